// Package metamorphic holds the same conversation in other dress to the same
// findings. There is no code here but tests.
//
// A capture of a conversation depends on much that is no part of it: where its
// sequence numbers begin, when it took place, which end has the lower address,
// what the frames were wrapped in, which tool wrote the file and how many files
// it made of it, how much of each frame was kept and how often. Each test takes
// every scenario of the repository (samples, detectors/testdata, fsm/testdata
// and testdata here) and every recording (samples/real), changes one of these,
// and demands that the report stays:
//
//   - as it was in every word, ids and limits included, for times, files,
//     encodings, shards and the number of workers;
//   - as it was but for ids and limits, for sequence spaces, addresses,
//     encapsulations, frames captured twice and options cut.
//
// To be quick, each test takes a part of the scenarios, chosen by a hash of
// their names. METAMORPHIC=full takes all of them and more random changes:
//
//	METAMORPHIC=full go test ./internal/metamorphic
package metamorphic
