/* ops_harness.c - see ops_harness.h. */
#include "ops_harness.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allocations.h"
#include "base/half.h"
#include "base/memory.h"
#include "base/random.h"
#include "graph/session.h"
#include "ops/gradient.h"
#include "ops/ops.h"

/* ---- how far is too far ----
 * |cpu - float64| <= element * |float64| + scaled * (1 + sqrt(depth)) * (largest |float64| of the tensor).
 * One rounding of f32 is 6e-8. Sums of `depth` terms wander like sqrt(depth) roundings of the largest value. */
static const struct {
    double element, scaled;
} tolerances[] = {
    [OPS_ELEMENT] = {6e-7, 3e-8},
    [OPS_EXACT] = {0, 0},
    [OPS_SUM] = {6e-7, 1.2e-7},
};
/* Gradients pass through several nodes. */
static const double gradient_element = 1e-6, gradient_scaled = 4e-7;

/* Elements of an input whose difference quotient is taken one by one; all others only in one random direction. */
#define MAX_DIFFERENCES 48
#define FEW_DIFFERENCES 3 /* where the network is so large that the plain reference is slow */
#define LARGE           20000
#define STEP            1e-4

#define MAX_SYMBOLS 8

/* ---- reporting ---- */

static bool fail(const ops_case *test, ops_report *report, const char *format, ...) LOFI_PRINTF(3, 4);

static void say(ops_report *report, const char *format, ...) LOFI_PRINTF(2, 3);

static void say(ops_report *report, const char *format, ...) {
    size_t used = strlen(report->text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(report->text + used, sizeof report->text - used, format, arguments);
    va_end(arguments);
}

static bool fail(const ops_case *test, ops_report *report, const char *format, ...) {
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    report->failures++;
    say(report, "%s, %s: %s\n", test->op, test->name, message);
    return false;
}

/* ---- where it runs ---- */

static lofi_device *device;

void ops_use_device(lofi_device *chosen) {
    device = chosen;
}

/* ---- one network made from a case ---- */

typedef struct symbol {
    char name[32];
    int64_t value;
} symbol;

typedef struct network {
    const ops_case *test;
    lofi_graph *graph;
    lofi_session *session;
    symbol symbols[MAX_SYMBOLS];
    int symbol_count, input_count, output_count;
    lofi_tensor *inputs[OPS_MAX_INPUTS], *outputs[OPS_MAX_OUTPUTS];
    void *bytes[OPS_MAX_INPUTS];            /* what the inputs hold, in their type */
    ops_array values[OPS_MAX_INPUTS];       /* the same in float64 */
    ops_array projections[OPS_MAX_OUTPUTS]; /* fixed random numbers, for the loss */
    lofi_tensor *projection_inputs[OPS_MAX_OUTPUTS], *loss;
} network;

static void *checked_calloc(int64_t count, size_t size) {
    void *memory = calloc((size_t)count + 1, size);
    if (!memory) abort();
    return memory;
}

/* "B=2 S=5 12" as dimensions and as numbers. */
static int parse_shape(network *net, const char *text, lofi_dim *dims, int64_t *numbers) {
    int rank = 0;
    while (*text) {
        while (*text == ' ') text++;
        if (!*text) break;
        assert(rank < LOFI_MAX_RANK);
        size_t name = strcspn(text, "= ");
        bool symbolic = text[name] == '=';
        char *end;
        numbers[rank] = strtoll(symbolic ? text + name + 1 : text, &end, 10);
        assert(*end == ' ' || *end == 0);
        dims[rank] = numbers[rank];
        if (symbolic) {
            symbol found = {.value = numbers[rank]};
            assert(name < sizeof found.name);
            memcpy(found.name, text, name);
            dims[rank] = lofi_dim_symbol(net->graph, found.name);
            int at = 0;
            while (at < net->symbol_count && strcmp(net->symbols[at].name, found.name) != 0) at++;
            assert(at < MAX_SYMBOLS);
            assert(at == net->symbol_count || net->symbols[at].value == found.value);
            net->symbols[at] = found;
            if (at == net->symbol_count) net->symbol_count++;
        }
        rank++;
        text = end;
    }
    return rank;
}

static double draw(const ops_input *input, const lofi_random *random, int64_t index, int64_t last_dim) {
    double normal = (double)lofi_random_normal(random, (uint64_t)index);
    double uniform = (double)lofi_random_uniform(random, (uint64_t)index);
    switch (input->fill) {
    case OPS_NORMAL: return normal;
    case OPS_AWAY: return normal < 0 ? normal - 0.1 : normal + 0.1;
    case OPS_POSITIVE: return 0.5 + 1.5 * uniform;
    case OPS_MASK: return index % last_dim == 0 || uniform < 0.6;
    case OPS_IDS: return floor(uniform * (double)input->bound);
    case OPS_ZEROS: return 0;
    case OPS_LARGE: return 30 * normal;
    }
    return 0;
}

/* Writes value `index` in the type of the input and gives back what it became. */
static double store(void *bytes, lofi_dtype type, int64_t index, double value) {
    uint16_t half;
    switch (type) {
    case LOFI_F32: ((float *)bytes)[index] = (float)value; return (double)((float *)bytes)[index];
    case LOFI_BF16:
        half = lofi_bf16_from_f32((float)value);
        ((uint16_t *)bytes)[index] = half;
        return (double)lofi_f32_from_bf16(half);
    case LOFI_F16:
        half = lofi_f16_from_f32((float)value);
        ((uint16_t *)bytes)[index] = half;
        return (double)lofi_f32_from_f16(half);
    case LOFI_I64: ((int64_t *)bytes)[index] = (int64_t)value; return (double)(int64_t)value;
    case LOFI_I32: ((int32_t *)bytes)[index] = (int32_t)value; return (double)(int32_t)value;
    case LOFI_U8: ((uint8_t *)bytes)[index] = (uint8_t)value; return (double)(uint8_t)value;
    case LOFI_DTYPE_COUNT: break;
    }
    abort();
}

static void make_input(network *net, int index) {
    const ops_input *input = &net->test->inputs[index];
    lofi_dim dims[LOFI_MAX_RANK];
    ops_array *array = &net->values[index];
    array->rank = parse_shape(net, input->shape, dims, array->dims);
    array->count = 1;
    for (int i = 0; i < array->rank; i++) array->count *= array->dims[i];
    if (input->absent) return;
    net->bytes[index] = checked_calloc(array->count, 8);
    array->values = checked_calloc(array->count, sizeof *array->values);
    lofi_random random = lofi_random_at(1, LOFI_RANDOM_TEST, (uint64_t)index);
    int64_t last_dim = array->rank && array->dims[array->rank - 1] ? array->dims[array->rank - 1] : 1;
    for (int64_t i = 0; i < array->count; i++)
        array->values[i] = store(net->bytes[index], input->dtype, i, draw(input, &random, i, last_dim));
    char name[32];
    snprintf(name, sizeof name, "input %d", index);
    lofi_shape shape = lofi_shape_of(input->dtype, array->rank, dims);
    net->inputs[index] = input->parameter ? lofi_graph_parameter(net->graph, name, shape, net->bytes[index], false)
                                          : lofi_graph_input(net->graph, name, shape);
}

static void network_free(network *net) {
    lofi_session_free(net->session);
    lofi_graph_free(net->graph);
    for (int i = 0; i < OPS_MAX_INPUTS; i++) free(net->bytes[i]), free(net->values[i].values);
    for (int i = 0; i < OPS_MAX_OUTPUTS; i++) free(net->projections[i].values);
}

/* Graph, inputs and what the case builds of them; whether that failed is in the graph. */
static void network_build(network *net, const ops_case *test) {
    lofi_error err = LOFI_ERROR_INIT;
    *net = (network){.test = test};
    if (lofi_graph_new(&net->graph, &err) != LOFI_OK) abort();
    while (test->inputs[net->input_count].shape) net->input_count++;
    assert(net->input_count <= OPS_MAX_INPUTS);
    for (int i = 0; i < net->input_count; i++) make_input(net, i);
    while (net->output_count < OPS_MAX_OUTPUTS && test->outputs[net->output_count]) net->output_count++;
    test->build(net->graph, net->inputs, net->outputs, test->settings);
}

static bool network_start(network *net, int threads, ops_report *report) {
    lofi_error err = LOFI_ERROR_INIT;
    lofi_session_options options = {.threads = threads, .device = device};
    if (lofi_session_new(&net->session, net->graph, options, &err) != LOFI_OK)
        return fail(net->test, report, "no session: %s", err.message);
    for (int i = 0; i < net->symbol_count; i++)
        for (size_t known = 0; known < lofi_graph_symbol_count(net->graph); known++)
            if (strcmp(lofi_graph_symbol_name(net->graph, known), net->symbols[i].name) == 0)
                lofi_session_set(net->session, net->symbols[i].name, net->symbols[i].value);
    if (lofi_session_prepare(net->session, &err) != LOFI_OK) return fail(net->test, report, "no plan: %s", err.message);
    return true;
}

/* NaN everywhere, then the inputs, then the run. */
static bool network_run(network *net, ops_report *report) {
    lofi_error err = LOFI_ERROR_INIT;
    void *data;
    int64_t count;
    lofi_session_poison(net->session);
    for (int i = 0; i < net->input_count; i++) {
        if (!net->inputs[i] || net->test->inputs[i].parameter) continue;
        /* an input that nothing reads has no memory */
        if (lofi_session_data(net->session, net->inputs[i], &data, &count, &err) != LOFI_OK) continue;
        memcpy(data, net->bytes[i], (size_t)count * lofi_dtype_bytes(net->inputs[i]->shape.dtype));
    }
    for (int i = 0; i < net->output_count; i++) {
        if (!net->projection_inputs[i]) continue;
        if (lofi_session_data(net->session, net->projection_inputs[i], &data, &count, &err) != LOFI_OK) continue;
        for (int64_t j = 0; j < count; j++) ((float *)data)[j] = (float)net->projections[i].values[j];
    }
    return lofi_session_run(net->session, &err) == LOFI_OK || fail(net->test, report, "no run: %s", err.message);
}

/* ---- question 1: shapes ---- */

static bool check_refusal(network *net, ops_report *report) {
    const ops_case *test = net->test;
    lofi_error err = LOFI_ERROR_INIT;
    if (lofi_graph_check(net->graph, &err) == LOFI_OK)
        return fail(test, report, "was accepted, expected '%s'", test->refused);
    if (!strstr(err.message, test->refused) || !strstr(err.message, test->op))
        return fail(test, report, "was refused with '%s', expected '%s' and the name of the operator", err.message,
                    test->refused);
    report->refusals++;
    return true;
}

static const lofi_node *node_of(const network *net) {
    for (size_t i = 0; i < lofi_graph_node_count(net->graph); i++)
        if (strcmp(lofi_graph_node(net->graph, i)->op->name, net->test->op) == 0) return lofi_graph_node(net->graph, i);
    return NULL;
}

static bool check_built(network *net, ops_report *report) {
    lofi_error err = LOFI_ERROR_INIT;
    if (lofi_graph_check(net->graph, &err) != LOFI_OK) return fail(net->test, report, "was refused: %s", err.message);
    if (!node_of(net)) return fail(net->test, report, "the built graph does not hold the operator");
    if (net->output_count == 0) return fail(net->test, report, "the case names no output");
    for (int i = 0; i < net->output_count; i++)
        if (!net->outputs[i]) return fail(net->test, report, "output %d is missing", i);
    return true;
}

static bool check_shape(network *net, int index, const int64_t *dims, int rank, ops_report *report) {
    network none = {.test = net->test};
    lofi_dim unused[LOFI_MAX_RANK];
    int64_t expected[LOFI_MAX_RANK];
    int expected_rank = parse_shape(&none, net->test->outputs[index], unused, expected);
    bool same = rank == expected_rank;
    for (int i = 0; same && i < rank; i++) same = dims[i] == expected[i];
    if (same) return true;
    char got[128] = "";
    for (int i = 0; i < rank; i++)
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s%lld", i ? " " : "", (long long)dims[i]);
    return fail(net->test, report, "output %d has the shape '%s', expected '%s'", index, got,
                net->test->outputs[index]);
}

/* ---- question 2: values ---- */

/* The reference's outputs at the present values of the inputs. */
static void evaluate(const network *net, ops_array *outputs) {
    for (int i = 0; i < net->output_count; i++)
        for (int64_t j = 0; j < outputs[i].count; j++) outputs[i].values[j] = (double)NAN;
    net->test->reference(net->values, outputs, net->test->settings);
}

static double largest_of(const double *values, int64_t count) {
    double largest = 0;
    for (int64_t i = 0; i < count; i++) largest = fabs(values[i]) > largest ? fabs(values[i]) : largest;
    return largest;
}

static double widened(int depth) {
    return 1 + sqrt(depth > 0 ? (double)depth : 1.0);
}

static double loaded(const void *data, lofi_dtype type, int64_t index) {
    if (type == LOFI_I64) return (double)((const int64_t *)data)[index];
    assert(type == LOFI_F32);
    return (double)((const float *)data)[index];
}

static bool compare(network *net, int index, const void *got, lofi_dtype type, const ops_array *expected,
                    ops_report *report) {
    const ops_case *test = net->test;
    double largest = largest_of(expected->values, expected->count);
    for (int64_t i = 0; i < expected->count; i++) {
        double want = expected->values[i], have = loaded(got, type, i);
        if (test->tolerance == OPS_EXACT) {
            float rounded = (float)want, present = (float)have;
            if (memcmp(&rounded, &present, sizeof rounded) == 0) continue;
            return fail(test, report, "output %d, element %lld: expected exactly %.9g, got %.9g", index, (long long)i,
                        want, have);
        }
        double allowed = tolerances[test->tolerance].element * fabs(want) +
                         tolerances[test->tolerance].scaled * widened(test->depth) * largest;
        if (!(fabs(want - have) <= allowed))
            return fail(test, report,
                        "output %d, element %lld: expected %.9g, got %.9g, allowed is a difference of %.2g", index,
                        (long long)i, want, have, allowed);
    }
    return true;
}

/* Room for the outputs in float64, with the shapes that the session found. */
static void make_outputs(const network *net, ops_array *outputs) {
    for (int i = 0; i < net->output_count; i++) {
        outputs[i].rank = net->outputs[i]->shape.rank;
        outputs[i].count = 1;
        for (int d = 0; d < outputs[i].rank; d++) {
            outputs[i].dims[d] = lofi_session_dim(net->session, net->outputs[i], d);
            outputs[i].count *= outputs[i].dims[d];
        }
        outputs[i].values = checked_calloc(outputs[i].count, sizeof(double));
    }
}

static void free_outputs(ops_array *outputs) {
    for (int i = 0; i < OPS_MAX_OUTPUTS; i++) free(outputs[i].values);
}

static void mark_outputs(network *net) {
    for (int i = 0; i < net->output_count; i++) {
        char name[32];
        snprintf(name, sizeof name, "output %d", i);
        net->outputs[i] = lofi_graph_output(net->graph, name, net->outputs[i]);
    }
}

static bool check_values(network *net, ops_report *report) {
    mark_outputs(net);
    if (!network_start(net, 2, report)) return false;
    ops_array expected[OPS_MAX_OUTPUTS] = {0};
    make_outputs(net, expected);
    bool good = true;
    for (int i = 0; good && i < net->output_count; i++)
        good = check_shape(net, i, expected[i].dims, expected[i].rank, report);
    if (good) good = network_run(net, report);
    if (good) evaluate(net, expected);
    for (int i = 0; good && i < net->output_count; i++) {
        lofi_error err = LOFI_ERROR_INIT;
        void *data;
        if (expected[i].count == 0) continue;
        if (lofi_session_data(net->session, net->outputs[i], &data, NULL, &err) != LOFI_OK)
            good = fail(net->test, report, "output %d: %s", i, err.message);
        else
            good = compare(net, i, data, net->outputs[i]->shape.dtype, &expected[i], report);
    }
    free_outputs(expected);
    if (good) report->values++;
    return good;
}

/* ---- question 3: gradients ---- */

/* loss = sum over all outputs of (output x fixed random numbers) */
static void add_loss(network *net) {
    for (int i = 0; i < net->output_count; i++) {
        lofi_tensor *output = net->outputs[i];
        if (!output || output->shape.dtype != LOFI_F32) continue;
        char name[32];
        snprintf(name, sizeof name, "projection %d", i);
        net->projection_inputs[i] = lofi_graph_input(net->graph, name, output->shape);
        unsigned all = output->shape.rank ? (1u << output->shape.rank) - 1u : 0;
        lofi_tensor *product = lofi_mul(net->graph, output, net->projection_inputs[i]);
        lofi_tensor *sum = all ? lofi_sum(net->graph, product, all, false) : product;
        net->loss = net->loss ? lofi_add(net->graph, net->loss, sum) : sum;
    }
}

static void make_projections(network *net, const ops_array *outputs) {
    for (int i = 0; i < net->output_count; i++) {
        net->projections[i] = outputs[i];
        net->projections[i].values = checked_calloc(outputs[i].count, sizeof(double));
        lofi_random random = lofi_random_at(2, LOFI_RANDOM_TEST, (uint64_t)i);
        for (int64_t j = 0; j < outputs[i].count; j++)
            net->projections[i].values[j] = (double)lofi_random_normal(&random, (uint64_t)j);
    }
}

static double loss_of(const network *net, ops_array *outputs) {
    evaluate(net, outputs);
    double loss = 0;
    for (int i = 0; i < net->output_count; i++)
        for (int64_t j = 0; net->projection_inputs[i] && j < outputs[i].count; j++)
            loss += outputs[i].values[j] * net->projections[i].values[j];
    return loss;
}

/* d loss / d input along `direction` (NULL: element `element` alone), from the reference. Two step sizes, so that the
 * error of third order cancels. */
static double difference_quotient(network *net, int input, int64_t element, const double *direction,
                                  ops_array *outputs) {
    ops_array *array = &net->values[input];
    double *kept = checked_calloc(array->count, sizeof *kept), slopes[2];
    memcpy(kept, array->values, (size_t)array->count * sizeof *kept);
    for (int round = 0; round < 2; round++) {
        double step = round ? STEP / 2 : STEP, losses[2];
        for (int side = 0; side < 2; side++) {
            double move = side ? step : -step;
            memcpy(array->values, kept, (size_t)array->count * sizeof *kept);
            if (!direction) array->values[element] += move;
            for (int64_t i = 0; direction && i < array->count; i++) array->values[i] += move * direction[i];
            losses[side] = loss_of(net, outputs);
        }
        slopes[round] = (losses[1] - losses[0]) / (2 * step);
    }
    memcpy(array->values, kept, (size_t)array->count * sizeof *kept);
    free(kept);
    return (4 * slopes[1] - slopes[0]) / 3;
}

static bool compare_slope(network *net, int input, int64_t element, double got, double want, double magnitude,
                          ops_report *report) {
    double allowed = gradient_element * fabs(want) + gradient_scaled * widened(net->test->depth) * magnitude + 1e-9;
    if (fabs(got - want) <= allowed) return true;
    if (element < 0)
        return fail(
            net->test, report,
            "gradient of input %d in a random direction: expected %.9g, got %.9g, allowed is a difference of %.2g",
            input, want, got, allowed);
    return fail(net->test, report,
                "gradient of input %d, element %lld: expected %.9g, got %.9g, allowed is a difference of %.2g", input,
                (long long)element, want, got, allowed);
}

static bool compare_gradient(network *net, int input, const float *got, ops_array *outputs, ops_report *report) {
    const ops_array *array = &net->values[input];
    int64_t most = array->count + outputs[0].count > LARGE ? FEW_DIFFERENCES : MAX_DIFFERENCES;
    int64_t checked = array->count < most ? array->count : most;
    double *wanted = checked_calloc(checked, sizeof *wanted),
           *direction = checked_calloc(array->count, sizeof *direction);
    for (int64_t i = 0; i < checked; i++)
        wanted[i] = difference_quotient(net, input, i * array->count / checked, NULL, outputs);
    double largest = largest_of(wanted, checked);
    bool good = true;
    for (int64_t i = 0; good && i < checked; i++) {
        int64_t element = i * array->count / checked;
        good = compare_slope(net, input, element, (double)got[element], wanted[i], largest, report);
    }
    if (good && array->count > checked) {
        lofi_random random = lofi_random_at(3, LOFI_RANDOM_TEST, (uint64_t)input);
        double along = 0;
        for (int64_t i = 0; i < array->count; i++) {
            direction[i] = (double)lofi_random_normal(&random, (uint64_t)i) / sqrt((double)array->count);
            along += direction[i] * (double)got[i];
        }
        double want = difference_quotient(net, input, -1, direction, outputs);
        good = compare_slope(net, input, -1, along, want, largest, report);
    }
    if (good && checked > 0 && outputs[0].count > 0 && largest == 0)
        good = fail(net->test, report, "the gradient of input %d is zero: the case shows nothing", input);
    free(wanted);
    free(direction);
    return good;
}

static bool run_gradients(network *net, lofi_tensor *const *grads, const int *which, int count, ops_report *report) {
    if (!network_start(net, 2, report)) return false;
    ops_array outputs[OPS_MAX_OUTPUTS] = {0};
    make_outputs(net, outputs);
    make_projections(net, outputs);
    bool good = network_run(net, report);
    for (int i = 0; good && i < count; i++) {
        lofi_error err = LOFI_ERROR_INIT;
        void *data;
        if (lofi_session_data(net->session, grads[i], &data, NULL, &err) != LOFI_OK)
            good = fail(net->test, report, "gradient of input %d: %s", which[i], err.message);
        else
            good = compare_gradient(net, which[i], data, outputs, report);
    }
    free_outputs(outputs);
    return good;
}

/* Which inputs of the operator's node are among the inputs whose gradient was checked. */
static unsigned covered_by(const network *net, const int *which, int count) {
    const lofi_node *node = node_of(net);
    unsigned covered = 0;
    for (int i = 0; i < node->input_count; i++)
        for (int j = 0; j < count; j++)
            if (node->inputs[i] == net->inputs[which[j]]) covered |= 1u << i;
    return covered;
}

static void no_gradient(lofi_gradient *gradient, const lofi_node *node) {
    (void)gradient, (void)node;
}

/* Takes the gradient rule away from the operator's nodes in this graph. */
static void empty_gradient(network *net, lofi_op *emptied) {
    for (size_t i = 0; i < lofi_graph_node_count(net->graph); i++) {
        lofi_node *node = lofi_graph_node(net->graph, i);
        if (strcmp(node->op->name, net->test->op) != 0) continue;
        *emptied = *node->op;
        emptied->gradient = no_gradient;
        node->op = emptied;
    }
}

static bool check_gradients(const ops_case *test, bool emptied, ops_report *report) {
    network net;
    lofi_op without;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_tensor *wanted[OPS_MAX_INPUTS], *grads[OPS_MAX_INPUTS];
    int which[OPS_MAX_INPUTS], count = 0;
    if (!test->gradient) return true;
    network_build(&net, test);
    if (emptied) empty_gradient(&net, &without);
    add_loss(&net);
    for (int i = 0; i < net.input_count; i++)
        if (test->gradient >> i & 1) wanted[count] = net.inputs[i], which[count++] = i;
    bool good = true;
    if (lofi_graph_differentiate(net.graph, net.loss, wanted, (size_t)count, NULL, (lofi_gradient_options){false},
                                 grads, &err) != LOFI_OK)
        good = fail(test, report, "no gradient: %s", err.message);
    else
        good = run_gradients(&net, grads, which, count, report);
    if (good) {
        report->gradients += count;
        report->covered |= covered_by(&net, which, count);
    }
    network_free(&net);
    return good;
}

/* An input whose gradient the case does not check must have none, and the operator's sentence must say why. */
static bool check_gap(const ops_case *test, int input, ops_report *report) {
    network net;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_tensor *grad;
    network_build(&net, test);
    add_loss(&net);
    const char *gap = node_of(&net)->op->gradient_gap;
    lofi_code code = lofi_graph_differentiate(net.graph, net.loss, &net.inputs[input], 1, NULL,
                                              (lofi_gradient_options){false}, &grad, &err);
    bool good = true;
    if (code == LOFI_OK)
        good = fail(test, report, "input %d has a gradient that the case does not check", input);
    else if (code != LOFI_ERR_UNSUPPORTED || !gap || !strstr(err.message, gap))
        good = fail(test, report,
                    "the gradient of input %d is refused with '%s', expected the operator's own sentence '%s'", input,
                    err.message, gap ? gap : "(none)");
    network_free(&net);
    return good;
}

static bool check_gaps(const ops_case *test, ops_report *report) {
    for (int i = 0; test->inputs[i].shape; i++) {
        const ops_input *input = &test->inputs[i];
        if (input->absent || input->dtype != LOFI_F32 || test->gradient >> i & 1) continue;
        if (!check_gap(test, i, report)) return false;
    }
    return true;
}

bool ops_check_case(const ops_case *test, ops_report *report) {
    network net;
    network_build(&net, test);
    bool good;
    if (test->refused) {
        good = check_refusal(&net, report);
        network_free(&net);
        return good;
    }
    good = check_built(&net, report) && check_values(&net, report);
    network_free(&net);
    return good && check_gradients(test, false, report) && check_gaps(test, report);
}

bool ops_check_notices_empty_gradient(const ops_case *test, ops_report *report) {
    ops_report ignored = {0};
    if (!test->gradient || test->refused || !check_gradients(test, true, &ignored)) return true;
    return fail(test, report, "the case does not notice when the gradient rule does nothing");
}

/* ---- the same bytes ---- */

static void *copy_of_output(network *net, int index, size_t *size) {
    lofi_error err;
    void *data;
    int64_t count;
    *size = 0;
    if (lofi_session_data(net->session, net->outputs[index], &data, &count, &err) != LOFI_OK) return NULL;
    *size = (size_t)count * lofi_dtype_bytes(net->outputs[index]->shape.dtype);
    void *copy = checked_calloc((int64_t)*size, 1);
    memcpy(copy, data, *size);
    return copy;
}

/* Runs with so many threads, twice, and compares with `first` (or fills it). */
static bool same_bytes(const ops_case *test, int threads, void **first, size_t *sizes, ops_report *report) {
    network net;
    network_build(&net, test);
    bool good = check_built(&net, report);
    if (good) mark_outputs(&net), good = network_start(&net, threads, report);
    for (int round = 0; good && round < 2; round++) {
        long before = allocations_so_far();
        if (!network_run(&net, report)) good = false;
        long made = allocations_so_far() - before;
        if (round > 0 && made > 0 && !device) /* a driver may */
            good = fail(test, report, "%ld allocations in run %d with %d threads", made, round + 1, threads);
        for (int i = 0; good && i < net.output_count; i++) {
            size_t size;
            void *bytes = copy_of_output(&net, i, &size);
            if (!first[i]) {
                first[i] = bytes, sizes[i] = size;
                continue;
            }
            if (size != sizes[i] || (bytes && memcmp(bytes, first[i], size) != 0))
                good = fail(test, report, "output %d has other bytes with %d threads in run %d", i, threads, round + 1);
            free(bytes);
        }
    }
    network_free(&net);
    return good;
}

bool ops_check_determinism(const ops_case *test, int threads, ops_report *report) {
    void *first[OPS_MAX_OUTPUTS] = {0};
    size_t sizes[OPS_MAX_OUTPUTS] = {0};
    bool good = test->refused ||
                (same_bytes(test, 1, first, sizes, report) && same_bytes(test, threads, first, sizes, report));
    for (int i = 0; i < OPS_MAX_OUTPUTS; i++) free(first[i]);
    return good;
}

/* ---- question 4: ONNX ---- */

static bool onnx_written(network *net, const char *path, const lofi_onnx_settings *settings, ops_report *report) {
    lofi_error err = LOFI_ERROR_INIT;
    lofi_onnx *onnx = NULL;
    lofi_code code = lofi_onnx_new(&onnx, net->graph, settings, &err);
    if (code == LOFI_OK) code = lofi_onnx_lower(onnx, &err);
    if (code == LOFI_OK) code = lofi_onnx_write(onnx, path, NULL, net->test->op, NULL, 0, &err);
    lofi_onnx_free(onnx);
    if (net->test->onnx_refused && code != LOFI_OK && strstr(err.message, net->test->onnx_refused)) return true;
    if (net->test->onnx_refused)
        return fail(net->test, report, "ONNX: expected a refusal with '%s'", net->test->onnx_refused);
    return code == LOFI_OK || fail(net->test, report, "ONNX: %s", err.message);
}

static size_t onnx_inputs(const network *net, lofi_onnx_array *inputs) {
    size_t count = 0;
    for (int i = 0; i < net->input_count; i++) {
        const lofi_tensor *tensor = net->inputs[i];
        if (!tensor || tensor->flags & LOFI_TENSOR_PARAMETER) continue;
        lofi_onnx_array *input = &inputs[count++];
        *input = (lofi_onnx_array){.name = tensor->name, .dtype = tensor->shape.dtype, .rank = net->values[i].rank};
        memcpy(input->dims, net->values[i].dims, sizeof net->values[i].dims);
        input->data = net->bytes[i];
    }
    return count;
}

/* How far ONNX Runtime may be from float64: its own sums and functions in f32, or products in f16. */
static double onnx_allowed(const lofi_onnx_settings *settings, const ops_case *test) {
    return settings->precision == LOFI_ONNX_FP16 ? 5e-3 : 2e-6 * widened(test->depth);
}

static bool onnx_same(network *net, const lofi_onnx_array *got, const lofi_onnx_settings *settings,
                      ops_report *report) {
    ops_array expected[OPS_MAX_OUTPUTS] = {0};
    bool good = network_start(net, 1, report);
    if (good) make_outputs(net, expected), evaluate(net, expected);
    for (int i = 0; good && i < net->output_count; i++) {
        double largest = largest_of(expected[i].values, expected[i].count);
        double allowed = onnx_allowed(settings, net->test) * (largest > 1 ? largest : 1);
        good = got[i].rank == expected[i].rank && memcmp(got[i].dims, expected[i].dims, (size_t)got[i].rank * 8) == 0;
        if (!good) fail(net->test, report, "ONNX: output %d has another shape", i);
        for (int64_t j = 0; good && j < expected[i].count; j++) {
            double want = expected[i].values[j], have = loaded(got[i].data, got[i].dtype, j);
            if (!(fabs(want - have) <= allowed))
                good = fail(net->test, report,
                            "ONNX: output %d, element %lld: expected %.9g, got %.9g, allowed is a difference of %.2g",
                            i, (long long)j, want, have, allowed);
        }
    }
    free_outputs(expected);
    return good;
}

static bool onnx_run(network *net, lofi_onnx_runtime *runtime, const char *path, const lofi_onnx_settings *settings,
                     ops_report *report) {
    lofi_error err = LOFI_ERROR_INIT;
    lofi_onnx_session *session = NULL;
    lofi_onnx_array inputs[OPS_MAX_INPUTS], outputs[OPS_MAX_OUTPUTS] = {{0}};
    size_t input_count = onnx_inputs(net, inputs);
    for (int i = 0; i < net->output_count; i++) outputs[i].name = net->outputs[i]->name;
    lofi_code code = lofi_onnx_session_open(&session, runtime, path, 1, &err);
    if (code == LOFI_OK)
        code = lofi_onnx_session_run(session, inputs, input_count, outputs, (size_t)net->output_count, &err);
    bool good = code == LOFI_OK || fail(net->test, report, "ONNX: %s", err.message);
    if (good) good = onnx_same(net, outputs, settings, report);
    for (int i = 0; i < net->output_count; i++) lofi_free(outputs[i].data);
    lofi_onnx_session_close(session);
    return good;
}

bool ops_check_onnx(const ops_case *test, lofi_onnx_runtime *runtime, const char *folder,
                    const lofi_onnx_settings *settings, ops_report *report) {
    network net;
    network_build(&net, test);
    const lofi_node *node = node_of(&net);
    bool good = true;
    if (!test->refused && node && node->op->onnx) {
        char path[512];
        snprintf(path, sizeof path, "%s/case.onnx", folder);
        good = check_built(&net, report);
        if (good) mark_outputs(&net), good = onnx_written(&net, path, settings, report);
        if (good && runtime && !test->onnx_refused) good = onnx_run(&net, runtime, path, settings, report);
        if (good) report->onnx++;
    }
    network_free(&net);
    return good;
}

/* ---- question 5 ---- */

static bool says(const char *sentence) {
    return sentence && strlen(sentence) > 10;
}

bool ops_check_slots(const lofi_op *op, ops_report *report) {
    const ops_case here = {.op = op->name ? op->name : "?", .name = "descriptor"};
    if (!op->name || !op->infer || (!op->cpu && !op->view)) return fail(&here, report, "name, infer or cpu is missing");
    if (op->max_inputs < op->min_inputs || op->outputs < 1)
        return fail(&here, report, "the numbers of inputs or outputs make no sense");
    if ((op->gradient != NULL) != (op->differentiable != 0))
        return fail(&here, report, "gradient and differentiable do not say the same");
    if (!op->gradient && op->max_inputs > 0 && !says(op->gradient_gap))
        return fail(&here, report, "no gradient, and no sentence that says why");
    if (!op->cuda == !says(op->cuda_gap))
        return fail(&here, report, "needs either a CUDA kernel or a sentence that says why not");
    if (!op->onnx == !says(op->onnx_gap))
        return fail(&here, report, "needs either an ONNX lowering or a sentence that says why not");
    if (op->view && op->cuda) return fail(&here, report, "a view is never launched");
    return true;
}
