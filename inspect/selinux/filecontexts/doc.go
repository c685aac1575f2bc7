// Package filecontexts tells which SELinux label a policy wants a file to have:
// what matchpathcon(8), setfiles(8) and restorecon(8) look up, without SELinux
// and without a C library.
//
// It reads the text files of a policy's contexts/files: file_contexts,
// file_contexts.homedirs, file_contexts.local, and the two lists of
// substitutions; selabel_file(5) describes them. The compiled forms (".bin") are
// caches that libselinux makes of the same text for its own version of PCRE,
// and are not read. It writes nothing, and does not know whether a context is
// valid in the policy.
//
// What decides, in this order, as in libselinux's label_file.c:
//
//   - The path is cleaned of doubled and trailing slashes, and one line of each
//     list of substitutions is applied, the last that fits: first of the
//     administrator's (subs), then of the distribution's (subs_dist).
//   - Lines without metacharacters come before all with them. Of equals the
//     last counts; lines of .local come after those of .homedirs, these after
//     the base.
//   - A line holds for one type of file (its second field) or for all.
//   - Expressions are PCRE2's over bytes, "." matches a newline as well, and "^"
//     and "$" are put around the text, not around a group: "/a|/b" is "^/a" or
//     "/b$". Like PCRE, "$" holds before a newline that ends the path.
//   - A line whose first directory has no metacharacter is looked at only for
//     paths in this very directory (its stem).
//
// libselinux 3.8 rewrote the search; [Rules] has the differences.
//
// Expressions are run by an automaton of our own over all lines at once, so
// that a look-up costs the length of the path and not the number of lines. It
// knows what policies use: literals, classes, groups, alternatives, repetition,
// "^" and "$". Back references, assertions, possessive and atomic groups, and
// inline options are not in any policy that we know of; a line with one is a
// [Problem], and a look-up that would reach it is an error, never a guess.
//
//	set, err := filecontexts.Parse(filecontexts.Files{Base: text}, filecontexts.Until37)
//	match, err := set.Matcher().Lookup("/etc/shadow", report.File)
//	fmt.Println(match.Context) // system_u:object_r:shadow_t:s0
package filecontexts
