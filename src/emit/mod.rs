//! What leaves the program: scores, events, reports, plots.
