// Package publish puts signed checkpoints of the ledger where whoever takes over its machine cannot take them back:
// into a folder, a mailbox, or an S3 bucket that locks objects.
//
// A [Publisher] runs beside the log that it publishes, in the same process. It remembers in the ledger's folder what was
// published last, looks at what lies in a place before it adds to it, and reads back what it has put there. A place that
// fails is tried again and holds up nothing.
package publish
