//! The command line.

use std::path::PathBuf;

/// What `--help` shows.
pub(crate) const HELP: &str = "\
Usage: culvert-engine --runtime-directory DIRECTORY [--user NUMBER]

The packet path of a Culvert gateway. The gateway starts it and tells it everything else over
DIRECTORY/engine.sock; decrypted connections go to DIRECTORY/gateway.sock.

  --runtime-directory DIRECTORY  where both sockets are
  --user NUMBER                  user and group to become when started as root (default 61443)
  --version                      print the version
  --help                         print this text";

/// A number that systemd keeps for users without a name (61184 to 65519), so that no other program runs under it.
const DEFAULT_USER: u32 = 61_443;

/// How to run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) runtime_directory: PathBuf,
    pub(crate) user: u32,
}

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    Run(Arguments),
    Text(String),
}

/// Reads the arguments after the program's name.
pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Parsed, String> {
    let (mut runtime_directory, mut user) = (None, DEFAULT_USER);
    while let Some(argument) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .ok_or_else(|| format!("{argument} needs a value"))
        };
        match argument.as_str() {
            "--runtime-directory" => runtime_directory = Some(PathBuf::from(value()?)),
            "--user" => {
                let text = value()?;
                user = text
                    .parse()
                    .map_err(|_| format!("--user: \"{text}\" is not a number"))?;
            }
            "--version" => return Ok(Parsed::Text(env!("CARGO_PKG_VERSION").into())),
            "--help" | "-h" => return Ok(Parsed::Text(HELP.into())),
            other => return Err(format!("unknown argument {other}")),
        }
    }
    let runtime_directory = runtime_directory.ok_or("--runtime-directory is missing")?;
    Ok(Parsed::Run(Arguments {
        runtime_directory,
        user,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Parsed, String> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn the_runtime_directory_is_all_that_is_needed() {
        let arguments = Arguments {
            runtime_directory: "/run/x".into(),
            user: DEFAULT_USER,
        };
        assert_eq!(
            parsed("--runtime-directory /run/x"),
            Ok(Parsed::Run(arguments))
        );
    }

    #[test]
    fn what_is_missing_or_unknown_is_named() {
        assert_eq!(parsed(""), Err("--runtime-directory is missing".into()));
        assert_eq!(
            parsed("--user x"),
            Err("--user: \"x\" is not a number".into())
        );
        assert_eq!(parsed("--port"), Err("unknown argument --port".into()));
    }
}
