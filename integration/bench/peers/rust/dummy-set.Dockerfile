# What most projects with several programs have: layers alone, and a build for each
# of them over one layer of dependencies, compiled with empty sources in place of the
# workspace's.
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

FROM for-$TARGETARCH AS source
WORKDIR /src
COPY --parents {{join .Manifests}} ./
RUN for f in {{join .Mains}}; do mkdir -p "$(dirname $f)" && echo 'fn main() {}' > $f; done{{if .Libs}} && \
    for f in {{join .Libs}}; do mkdir -p "$(dirname $f)" && touch $f; done{{end}} && \
    cargo build --release --locked{{range .Set}} --package {{.Package}} --bin {{.Bin}}{{end}}
COPY . .
# Cargo compares times, and those of the sources may be older than the build above.
# What build scripts of dependencies wrote below target is not touched.
RUN find . -name target -prune -o -name '*.rs' -exec touch {} +
{{range .Set}}
FROM source AS build-{{.Bin}}
ARG VERSION=dev
RUN {{$.Stamp}}=$VERSION cargo build --release --locked --package {{.Package}} --bin {{.Bin}} && \
    install -D target/$CARGO_BUILD_TARGET/release/{{.Bin}} /out/{{.Bin}}

FROM scratch AS {{.Bin}}
COPY --from=build-{{.Bin}} /out/{{.Bin}} /{{.Bin}}
USER 65532:65532
ENTRYPOINT ["/{{.Bin}}"]
{{end}}
