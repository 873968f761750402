/* interrupt.h - SIGINT and SIGTERM as a question asked at safe points. The one global of the program: a signal handler
 * can reach nothing else. A second signal ends the program at once. */
#ifndef LOFI_BASE_INTERRUPT_H
#define LOFI_BASE_INTERRUPT_H

#include <stdbool.h>

void lofi_interrupt_install(void);
bool lofi_interrupt_asked(void);

#endif
