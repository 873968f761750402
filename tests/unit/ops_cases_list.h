/* ops_cases_list.h - every table of operator cases, one line each; see ops_harness.h. */
OPS_CASES(product)
OPS_CASES(basic)
OPS_CASES(attention)
OPS_CASES(position)
OPS_CASES(shape)
OPS_CASES(reduction)
