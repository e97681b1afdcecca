// Package live captures from an interface and judges what comes by as it comes.
//
//	interface -> Ring -> Loop -> engine.Live -> findings, as their deadlines pass
//	                       |
//	                       +-> Keeper: pcapng files, rotated
//
// A Ring is opened with privileges. Nothing behind it needs any: Confine gives
// them up, for the whole process, before the first frame is looked at.
package live
