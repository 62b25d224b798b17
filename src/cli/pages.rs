//! `habituate pages DIR`: what packages carry beside the program: manual pages, and completions for
//! three shells. Made from the same definitions as `--help`.

use std::fs;
use std::io;
use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::args::Args;
use crate::cli::args::PagesArgs;
use crate::cli::exit::EXIT_DISK;
use crate::cli::exit::Failure;
use crate::cli::exit::OrExit;

pub(crate) fn main(args: &PagesArgs) -> Result<(), Failure> {
    write(&args.out)
        .map_err(|error| {
            anyhow::Error::new(error).context(format!("cannot write to {}", args.out.display()))
        })
        .or_exit(EXIT_DISK)
}

fn write(out: &Path) -> io::Result<()> {
    let man = out.join("man");
    fs::create_dir_all(&man)?;
    let mut command = Args::command();
    command.build();
    clap_mangen::generate_to(command.clone(), &man)?;
    for entry in fs::read_dir(&man)? {
        // `habituate help run` is what `habituate-run.1` says.
        let entry = entry?;
        if entry.file_name().to_string_lossy().contains("-help") {
            fs::remove_file(entry.path())?;
        }
    }
    let completions = out.join("completions");
    fs::create_dir_all(&completions)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut command, "habituate", &completions)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_that_is_shown_has_a_page_and_completions() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path()).unwrap();
        for file in [
            "man/habituate.1",
            "man/habituate-run.1",
            "man/habituate-doctor.1",
            "completions/habituate.bash",
            "completions/_habituate",
            "completions/habituate.fish",
        ] {
            let text = fs::read_to_string(dir.path().join(file)).unwrap();
            assert!(text.contains("habituate"), "{file}");
        }
        for page in ["man/habituate-pages.1", "man/habituate-help-run.1"] {
            assert!(!dir.path().join(page).exists(), "{page}");
        }
    }
}
