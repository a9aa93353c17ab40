# cargo-chef, as its documentation has it, with a stage for each platform to compile
# for and a build for each program over one layer of dependencies, that of the whole
# workspace.
FROM --platform=$BUILDPLATFORM lukemathwalker/cargo-chef:0.1.78-rust-1.96-bookworm AS toolchain
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

FROM toolchain AS planner
WORKDIR /src
COPY . .
RUN cargo chef prepare --recipe-path recipe.json

FROM for-$TARGETARCH AS source
WORKDIR /src
COPY --from=planner /src/recipe.json recipe.json
RUN cargo chef cook --release --locked --recipe-path recipe.json --workspace
COPY . .
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
