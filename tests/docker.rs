//! `env` from end to end against a real Docker engine: started as users start it, judged through the docker command.
//!
//! Needs an engine and a statically linked busybox. Machines from an image are used wherever a box is not the point; the box
//! is built once and kept below `target/`. What a test makes, it removes, also when it fails.

mod accept;
mod ansible;
mod ansible_refused;
mod authorities;
mod boot;
mod canaries;
mod capture;
mod changes;
mod checkouts;
mod drift;
mod drift_broken;
mod drift_roots;
mod engine;
mod explain;
mod gate;
mod hosts;
mod interrupted;
mod keys;
mod killed;
mod layers;
mod layers_kept;
mod layers_pruned;
mod left_out;
mod outside;
mod ownership;
mod production;
mod puppetfile;
mod refused;
mod rpm;
mod running;
mod snapshots;
mod stack;
mod steps;
mod tools;
mod verbs;
