//! Several processes on one RabbitMQ.

mod lanes;
mod letters;
mod signals;
mod troubles;
