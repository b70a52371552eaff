// Package inventory finds out which applications a company really has. Finance knows what is paid for, the single
// sign-on what is signed in to, the departments what they use; each calls it by another name. What they show is
// read from their exports ([Read]), matched with the systems of the configuration ([Matcher]), kept beside them with what
// people decided ([Sheet]), and compared ([Gaps]).
package inventory
