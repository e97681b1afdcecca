// Package waiting has the detectors of what makes a connection slow: an application, a
// window, the path. They are told where the time went; see [detectors.Transfer] and
// [detectors.Exchange].
package waiting
