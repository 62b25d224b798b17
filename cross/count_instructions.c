/* A plug-in of QEMU's user emulation: how many instructions of the emulated processor a program ran,
 * all threads together, told on standard error at its end. Built and used by count_instructions.sh.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

#include "qemu-plugin.h"

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

static uint64_t executed;

/* Threads run at the same time; QEMU's own inline counter of this version would lose some of theirs. */
static void block_runs(unsigned int cpu, void *instructions)
{
    (void)cpu;
    __atomic_fetch_add(&executed, (uint64_t)(uintptr_t)instructions, __ATOMIC_RELAXED);
}

static void block_is_translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    (void)id;
    uintptr_t instructions = qemu_plugin_tb_n_insns(block);
    qemu_plugin_register_vcpu_tb_exec_cb(block, block_runs, QEMU_PLUGIN_CB_NO_REGS, (void *)instructions);
}

static void ends(qemu_plugin_id_t id, void *nothing)
{
    (void)id;
    (void)nothing;
    fprintf(stderr, "instructions: %" PRIu64 "\n", executed);
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
    (void)info;
    (void)argc;
    (void)argv;
    qemu_plugin_register_vcpu_tb_trans_cb(id, block_is_translated);
    qemu_plugin_register_atexit_cb(id, ends, NULL);
    return 0;
}
