package scenario

// RoundTrip is for the fuzz test, which cannot be in the package because it
// reads captures back.
var RoundTrip = roundTrip
