package frontend

// Cures shows the tables of words to tests.
var Cures = cures
