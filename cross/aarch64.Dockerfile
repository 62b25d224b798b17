# The oldest system that is promised: Debian 11's glibc 2.31 would do, Debian 12 is what has Rust's
# cross tools; so programs made here run with glibc 2.36 and later. All packages are those of one day
# of Debian's archive, so that the same file makes the same image in a year.
FROM debian:bookworm-20251020-slim
ARG SNAPSHOT=20251101T000000Z
RUN rm -f /etc/apt/sources.list.d/* \
    && printf 'deb [check-valid-until=no] http://snapshot.debian.org/archive/debian/%s bookworm main\n' \
        "$SNAPSHOT" >/etc/apt/sources.list \
    && dpkg --add-architecture arm64 && apt-get update && apt-get install -y --no-install-recommends \
        ca-certificates curl gcc libc6-dev gcc-aarch64-linux-gnu libc6-dev-arm64-cross \
        libasound2-dev:arm64 libclang-dev pkg-config qemu-user-static \
    && rm -rf /var/lib/apt/lists/*
ENV CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
    CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc \
    PKG_CONFIG_ALLOW_CROSS=1 \
    PKG_CONFIG_LIBDIR=/usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig
