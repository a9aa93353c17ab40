package frontend

// For tests of what a build shows at its end alone.
var (
	Cures  = cures
	Follow = follow
	Glob   = glob
)
