// Package metamorphic tests that the findings of a conversation do not depend on
// how it was captured. It has no code except tests.
//
// A capture has much that does not belong to the conversation: where sequence
// numbers begin, the date, which end has the lower address, the encapsulation of
// frames, the tool that wrote the file, the number of files, how much of each frame
// was kept, and how often. Each test takes every scenario of the repository
// (samples, detectors/testdata, fsm/testdata and testdata here) and every recording
// (samples/real), changes one of these, and checks that the report is
//
//   - exactly the same, with IDs and limits, for times, files, encodings, shards
//     and the number of workers;
//   - the same except for IDs and limits, for sequence spaces, addresses,
//     encapsulations, frames captured twice, and options cut.
//
// To be quick, each test uses a part of the scenarios, selected by a hash of their
// names. METAMORPHIC=full uses all of them, and more random changes:
//
//	METAMORPHIC=full go test ./internal/metamorphic
package metamorphic
