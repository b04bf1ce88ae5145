# syntax=docker/dockerfile:1
# The server `chatchit` and the operator's tool `chatchit-replay`.
#
# Cache mounts keep downloaded crates and compiled dependencies between builds. They need BuildKit, Docker's default builder.

ARG RUST=1.95
ARG DEBIAN=bookworm

FROM rust:${RUST}-${DEBIAN} AS build
WORKDIR /chatchit
COPY . .
RUN --mount=type=cache,id=chatchit-crates,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,id=chatchit-target,target=/chatchit/target,sharing=locked \
    cargo build --release --locked --package gateway --package replay-tool --bins \
    && install -D --target-directory=/programs target/release/chatchit target/release/chatchit-replay

FROM debian:${DEBIAN}-slim
# The release's newest certificates are wanted, at no version in particular.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 10001 chatchit \
    && useradd --system --uid 10001 --gid chatchit --home-dir /var/lib/chatchit --shell /usr/sbin/nologin chatchit \
    && install --directory --owner=chatchit --group=chatchit --mode=0700 /var/lib/chatchit
COPY --from=build /programs/ /usr/local/bin/
# By number, so that Kubernetes sees that it is not root.
USER 10001:10001
# The only folder that is written.
WORKDIR /var/lib/chatchit
VOLUME /var/lib/chatchit
ENV HOST=0.0.0.0 PORT=8080 CHATCHIT_DATA=/var/lib/chatchit
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=3 \
    CMD ["chatchit", "health"]
ENTRYPOINT ["chatchit"]
