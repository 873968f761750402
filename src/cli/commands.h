/* commands.h - the list of commands, in the order of the help.
 *
 * To add a command: write cmd_NAME.c (see command.h) and put one line LOFI_COMMAND(lofi_command_NAME) into its group.
 * Aliases, help, manual pages and completion follow from the table by themselves.
 */
LOFI_GROUP("Songs")
LOFI_COMMAND(lofi_command_audio_process)
LOFI_COMMAND(lofi_command_audio_validate)
LOFI_COMMAND(lofi_command_prompt_generate)
LOFI_COMMAND(lofi_command_dataset)

LOFI_GROUP("Music")
LOFI_COMMAND(lofi_command_generate)

LOFI_GROUP("Models")
LOFI_COMMAND(lofi_command_train)
LOFI_COMMAND(lofi_command_model_init)
LOFI_COMMAND(lofi_command_model_info)
LOFI_COMMAND(lofi_command_model_check)
LOFI_COMMAND(lofi_command_merge)
LOFI_COMMAND(lofi_command_export)

LOFI_GROUP("This program")
LOFI_COMMAND(lofi_command_demo)
LOFI_COMMAND(lofi_command_doctor)
LOFI_COMMAND(lofi_command_selftest)
