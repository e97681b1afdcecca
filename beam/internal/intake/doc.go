// Package intake reads captures: one file after another is taken to pieces, its
// segments go to their connections in chunks, and what it shows as a whole, its
// statistics, is put together with those of the other files.
package intake
