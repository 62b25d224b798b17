//! `habituate models`: encoders and their manifests.

mod add;
pub(crate) mod args;
mod ask;
mod catalogue;
mod compare;
mod download;
mod given;
mod list;
mod notes;
mod opinion;
mod part;
mod statuses;
mod verify;

use crate::cli::exit::Failure;
use crate::cli::models::args::ModelsArgs;
use crate::cli::models::args::ModelsCommand;

pub(crate) fn main(args: &ModelsArgs) -> Result<(), Failure> {
    match &args.command {
        ModelsCommand::List { manifests } => list::main(manifests),
        ModelsCommand::Add(args) => add::main(args),
        ModelsCommand::Catalogue(args) => catalogue::main(args),
        ModelsCommand::Verify(args) => verify::main(args),
        ModelsCommand::Compare(args) => compare::main(args),
    }
}
