package toolchain

// SlimGo is the suffix of the official Go image that has no git and no C compiler,
// and is a quarter of the size.
const SlimGo = "-alpine"
