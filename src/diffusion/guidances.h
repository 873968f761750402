/* guidances.h - the list of guidances, in the order of the help. To add one: guidance.h. Who includes this file defines
 * LOFI_GUIDANCE(name), for lofi_guidance_NAME; it is undefined again at the end. */
LOFI_GUIDANCE(apg)
LOFI_GUIDANCE(cfg)
LOFI_GUIDANCE(cfg_star)
#undef LOFI_GUIDANCE
