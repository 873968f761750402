/* schedulers.h - the list of schedulers, in the order of the help. To add one: scheduler.h. Who includes this file defines
 * LOFI_SCHEDULER(name), for lofi_scheduler_NAME; it is undefined again at the end. */
LOFI_SCHEDULER(euler)
LOFI_SCHEDULER(heun)
LOFI_SCHEDULER(pingpong)
#undef LOFI_SCHEDULER
