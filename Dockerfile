# The server `chatchit`, and the tools beside it.

FROM rust:1-bookworm AS build
WORKDIR /chatchit
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/chatchit/target \
    cargo build --release --locked --workspace --bins --exclude xtask \
    && mkdir /programs \
    && cp target/release/chatchit target/release/chatchit-replay target/release/chatchit-loadgen /programs/

FROM debian:bookworm-slim
# curl is for the health checks.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates curl \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/chatchit --create-home --shell /usr/sbin/nologin chatchit
COPY --from=build /programs/ /usr/local/bin/
USER chatchit
WORKDIR /var/lib/chatchit
ENV HOST=0.0.0.0 PORT=8080 CHATCHIT_DATA=/var/lib/chatchit
VOLUME /var/lib/chatchit
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD curl --fail --silent --output /dev/null "http://127.0.0.1:$PORT/readyz"
ENTRYPOINT ["chatchit"]
