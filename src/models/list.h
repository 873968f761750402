/* list.h - the networks of a checkpoint folder, one line each: LOFI_MODEL(symbol). The recipe is in models/model.h. */
