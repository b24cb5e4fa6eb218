//! Included by `tests/corpus.rs` of each fuzzed crate: fuzzing needs its own tools, replaying its inputs does not.

use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Runs every input in the corpus of a fuzz target, and every one that once failed, through the target's function.
pub(crate) fn replay(target: &str, function: fn(&[u8])) {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let corpus = inputs(&fuzz.join("corpus").join(target)).expect("there is a corpus");
    assert!(!corpus.is_empty(), "the corpus of {target} is empty");
    let regressions = match inputs(&fuzz.join("regressions").join(target)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        found => found.expect("the folder of regressions can be read"),
    };
    let failed: Vec<_> = corpus
        .into_iter()
        .chain(regressions)
        .filter(|path| {
            let input = fs::read(path).expect("an input can be read");
            catch_unwind(|| function(&input)).is_err()
        })
        .collect();
    assert!(failed.is_empty(), "{target} fails with {failed:#?}");
}

fn inputs(folder: &Path) -> io::Result<Vec<PathBuf>> {
    fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect()
}
