// Package outcome is what a pipeline makes of analysed connections: rows and
// findings on their way into the report, the sums of the whole trace, and who
// gets which number.
package outcome
