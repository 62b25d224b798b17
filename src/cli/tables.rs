//! Tables on standard output, as somebody wants them.

use crate::cli::args::TableArgs;
use crate::emit::table::Table;

/// Prints the table, and for people the notes below it; programs get notes on standard error.
pub(crate) fn print(table: &Table, how: TableArgs, notes: &[String]) {
    if how.csv {
        print!("{}", table.to_csv());
    } else if how.json {
        print!("{}", table.to_json());
    } else {
        print!("{}", table.to_text());
    }
    for note in notes {
        if how.csv || how.json {
            eprintln!("{note}");
        } else {
            println!("{note}");
        }
    }
}
