# What an expert writes for programs that are always built together: one cargo build
# for all of them, with Cargo's home and the target directory as cache mounts. Cargo's
# home may be shared, since Cargo locks it by a file at its root; the target directory
# has one user at a time and one platform.
FROM --platform=$BUILDPLATFORM rust:1.96-bookworm AS toolchain
RUN rustup target add x86_64-unknown-linux-musl aarch64-unknown-linux-musl
ENV CARGO_PROFILE_RELEASE_STRIP=symbols \
    CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_LINKER=x86_64-linux-gnu-gcc \
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER=aarch64-linux-gnu-gcc \
    CC_x86_64_unknown_linux_musl="x86_64-linux-gnu-gcc -specs /usr/lib/x86_64-linux-musl/musl-gcc.specs" \
    CC_aarch64_unknown_linux_musl="aarch64-linux-gnu-gcc -specs /usr/lib/aarch64-linux-musl/musl-gcc.specs" \
    AR_aarch64_unknown_linux_musl=aarch64-linux-gnu-ar

FROM toolchain AS for-amd64
ENV CARGO_BUILD_TARGET=x86_64-unknown-linux-musl
FROM toolchain AS for-arm64
ENV CARGO_BUILD_TARGET=aarch64-unknown-linux-musl

FROM for-$TARGETARCH AS build
WORKDIR /src
ENV CARGO_HOME=/cargo CARGO_TARGET_DIR=/target
ARG TARGETARCH
ARG VERSION=dev
RUN --mount=type=bind,target=. \
    --mount=type=cache,target=/cargo,sharing=shared \
    --mount=type=cache,id={{.Name}}-$TARGETARCH,target=/target,sharing=locked \
    {{.Stamp}}=$VERSION cargo build --release --locked{{range .Set}} --package {{.Package}} --bin {{.Bin}}{{end}} && \
    mkdir /out && cd /target/$CARGO_BUILD_TARGET/release && install -t /out{{range .Set}} {{.Bin}}{{end}}
{{range .Set}}
FROM scratch AS {{.Bin}}
COPY --from=build /out/{{.Bin}} /{{.Bin}}
USER 65532:65532
ENTRYPOINT ["/{{.Bin}}"]
{{end}}
