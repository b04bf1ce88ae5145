//! Several processes on one RabbitMQ.

mod lanes;
