//! The learner: everything that changes with what it meets. Pure: no I/O, threads, clock, logging.
