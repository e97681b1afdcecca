// Package live captures from an interface and analyses frames as they come.
//
//	interface -> Ring -> Loop -> engine.Live -> findings, as their deadlines pass
//	                       |
//	                       +-> Keeper: pcapng files, rotated
//
// Opening a Ring needs privileges. Nothing after it does: the command drops them
// for the whole process before it looks at the first frame.
package live
