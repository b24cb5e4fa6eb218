//! The packet path of a Culvert gateway. See `README.md` of the workspace for the map.

mod arguments;
mod control;
mod data;
mod front;
mod log;
mod poll;
mod sys;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = match arguments::parse(std::env::args().skip(1)) {
        Ok(arguments::Parsed::Run(arguments)) => arguments,
        Ok(arguments::Parsed::Text(text)) => {
            println!("{text}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("culvert-engine: {error}\n\n{}", arguments::HELP);
            return ExitCode::from(2);
        }
    };
    log::info(&format!("engine {} starts", env!("CARGO_PKG_VERSION")));
    let result =
        front::Front::new(&arguments.runtime_directory, arguments.user).and_then(front::Front::run);
    match result {
        Ok(()) => {
            log::info("engine stops, as the gateway asked");
            ExitCode::SUCCESS
        }
        Err(error) => {
            log::warning(&format!("engine stops: {error}"));
            ExitCode::FAILURE
        }
    }
}
