/* ops_cases_list.h - every table of operator cases, one line each; see ops_harness.h. */
OPS_CASES(basic)
