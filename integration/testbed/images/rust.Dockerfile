ARG BASE=scratch
ARG FLAVOUR=full
FROM ${BASE} AS rustc
COPY trust/ca-certificates/ /usr/local/share/ca-certificates/
ARG RUST_PACKAGE
RUN apt-get update -qq && \
    apt-get install -y -qq --no-install-recommends ca-certificates gcc libc6-dev rustc-web=${RUST_PACKAGE} cargo-web=${RUST_PACKAGE} && \
    rm -rf /var/lib/apt/lists/*
# Cargo's settings lie in the root folder, where every working directory finds
# them, whatever CARGO_HOME a build sets.
COPY trust/cargo/ /.cargo/
COPY trust/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt

FROM rustc AS cross
RUN dpkg --add-architecture arm64 && \
    apt-get update -qq && \
    apt-get install -y -qq --no-install-recommends \
        cmake g++ gcc-aarch64-linux-gnu git libc6-dev-arm64-cross make musl-dev:arm64 musl-tools pkg-config && \
    rm -rf /var/lib/apt/lists/*

# Debian packages no standard library for musl: compile it from the sources
# that belong to the compiler.
FROM cross AS std
ARG RUST_PACKAGE
RUN apt-get update -qq && \
    apt-get install -y -qq --no-install-recommends rust-web-src=${RUST_PACKAGE} && \
    mkdir /unwind && cd /unwind && \
    for arch in amd64 arm64; do \
        apt-get download -qq -o APT::Sandbox::User=root libunwind-14-dev:$arch && \
        dpkg-deb -x libunwind-14-dev_*_$arch.deb $arch; \
    done
COPY musl-std.sh /usr/local/bin/musl-std
RUN musl-std x86_64-unknown-linux-musl x86_64-linux-gnu x86_64-linux-musl gcc /unwind/amd64 /dist
RUN musl-std aarch64-unknown-linux-musl aarch64-linux-gnu aarch64-linux-musl aarch64-linux-gnu-gcc /unwind/arm64 /dist

# As the official slim image: one target, and whatever else comes by rustup.
FROM rustc AS slim
COPY --from=std /dist/ /opt/rustup-dist/

FROM cross AS full
COPY trust/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=std /dist/ /usr/lib/rustlib/

# Paths and environment are those of the official image.
FROM ${FLAVOUR}
ARG RUST_VERSION
ENV RUSTUP_HOME=/usr/local/rustup CARGO_HOME=/usr/local/cargo RUST_VERSION=${RUST_VERSION}
ENV PATH=/usr/local/cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
COPY rustup /usr/local/cargo/bin/rustup
RUN ln -s /usr/bin/cargo /usr/bin/rustc /usr/bin/rustdoc /usr/local/cargo/bin/ && \
    mkdir -p /usr/local/rustup/toolchains/${RUST_VERSION}-x86_64-unknown-linux-gnu && \
    chmod -R a+w /usr/local/rustup /usr/local/cargo
