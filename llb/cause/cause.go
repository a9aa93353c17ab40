// Package cause numbers the reasons for which a helper in a build container gives
// up. All that the frontend gets to see of a failed step is the exit status, so the
// helpers exit with one that tells why, and the frontend has words for it.
package cause

// Exit statuses of the helpers, beside those of the command that they run.
const (
	// Killed is what a shell gives for a process that was killed. A build tool has a
	// status of its own when its compiler is, so the helpers look for it.
	Killed = 137
	// Credentials says that a dependency is not for everyone, and that the server
	// wanted to know who asks.
	Credentials = 81
	// Network says that a server was not reached.
	Network = 82
	// LockFile says that the lock file does not fit the manifests.
	LockFile = 83
	// NoTarget says that the toolchain has no standard library for the target.
	NoTarget = 84
	// Certificate says that a server's certificate is signed by nobody that the
	// toolchain image trusts.
	Certificate = 85
	// Library says that a C library was looked for, and is not there.
	Library = 86
	// NoFile says that a source includes or embeds a file that is not there.
	NoFile = 87
	// NoGit says that a dependency comes from a git repository, and that the
	// toolchain image has no git.
	NoGit = 88
	// Vendored says that a vendor folder does not fit the manifests.
	Vendored = 89
	// Version says that the project asks for a later compiler.
	Version = 90
	// NeedsCgo says that a package has no code for a compiler without cgo.
	NeedsCgo = 91
	// NotFound says that no server knows a dependency, or its version.
	NotFound = 92
)
