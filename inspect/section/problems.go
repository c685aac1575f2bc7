package section

// MaxProblems is how many problems of one configuration are told.
const MaxProblems = 100

// AddProblem adds a problem to a list that a report shows. Those beyond the bound are told
// of by one more, the last.
func AddProblem(list []string, problem string) []string {
	switch {
	case len(list) < MaxProblems:
		return append(list, Clip(problem))
	case len(list) == MaxProblems:
		return append(list, "and there are more")
	}
	return list
}
