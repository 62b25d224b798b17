//! Threads, bounded queues and wiring.
