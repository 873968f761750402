/* scratch_folder.h - a new empty folder for each test, which is the working folder while the test runs. */
#ifndef SCRATCH_FOLDER_H
#define SCRATCH_FOLDER_H

int enter_folder(void **state);
int leave_folder(void **state); /* removes it with all in it */

#define in_folder(test) cmocka_unit_test_setup_teardown(test, enter_folder, leave_folder)

#endif
