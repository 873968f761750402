/* list.h - the networks of a checkpoint folder, one line each: LOFI_MODEL(symbol). The recipe is in models/model.h. */
LOFI_MODEL(lofi_model_ace_step_transformer)
LOFI_MODEL(lofi_model_umt5)
LOFI_MODEL(lofi_model_music_dcae)
LOFI_MODEL(lofi_model_music_vocoder)
