// Package outcome is what the pipeline has after the analysis: rows and findings for
// the report, the sums of the whole trace, and the numbering of connections.
package outcome
