FROM rust:1.96-bookworm
RUN cargo install cargo-chef --locked --version 0.1.78 && \
    rm -rf /usr/local/cargo/registry /usr/local/cargo/git
