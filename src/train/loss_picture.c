/* loss_picture.c - RUN/loss.svg: the loss of every step, its moving average, and the held-out measurements. */
#include <math.h>
#include <stdio.h>

#include "base/buffer.h"
#include "train/metrics_internal.h"

enum { WIDTH = 960, HEIGHT = 480, LEFT = 70, RIGHT = 24, TOP = 48, BOTTOM = 56, MAX_POINTS = 1200 };

/* What the axes span. */
typedef struct frame {
    double first_step, last_step, low, high;
} frame;

static double x_of(const frame *f, double step) {
    return LEFT + (step - f->first_step) / (f->last_step - f->first_step) * (WIDTH - LEFT - RIGHT);
}

static double y_of(const frame *f, double loss) {
    return HEIGHT - BOTTOM - (loss - f->low) / (f->high - f->low) * (HEIGHT - TOP - BOTTOM);
}

static void include(frame *f, double step, double loss) {
    if (!isfinite(loss)) return;
    if (step < f->first_step) f->first_step = step;
    if (step > f->last_step) f->last_step = step;
    if (loss < f->low) f->low = loss;
    if (loss > f->high) f->high = loss;
}

static frame find_frame(const lofi_metrics *metrics) {
    frame f = {INFINITY, -INFINITY, INFINITY, -INFINITY};
    for (size_t i = 0; i < metrics->step_count; i++)
        include(&f, (double)metrics->steps[i].step, metrics->steps[i].loss);
    for (size_t i = 0; i < metrics->validation_count; i++)
        include(&f, (double)metrics->validations[i].step, metrics->validations[i].loss);
    if (!(f.last_step > f.first_step)) f.last_step = f.first_step + 1;
    double margin = f.high > f.low ? 0.05 * (f.high - f.low) : 0.05 * fabs(f.high) + 1e-3;
    f.low -= margin;
    f.high += margin;
    return f;
}

/* Ticks at multiples of a round step: 1, 2 or 5 times a power of ten. */
typedef struct ticks {
    double first, step;
    int count; /* at most `most` + 1, whatever the numbers are */
} ticks;

static ticks find_ticks(double low, double high, int most, double least_step) {
    double raw = (high - low) / most, power = pow(10, floor(log10(raw)));
    double factor = raw / power;
    ticks t = {.step = fmax(least_step, power * (factor <= 1 ? 1 : factor <= 2 ? 2 : factor <= 5 ? 5 : 10))};
    t.first = ceil(low / t.step) * t.step;
    while (t.count <= most && t.first + t.count * t.step <= high) t.count++;
    return t;
}

static void draw_axes(lofi_buffer *svg, const frame *f) {
    ticks t = find_ticks(f->low, f->high, 6, 0);
    for (int i = 0; i < t.count; i++) {
        double v = t.first + i * t.step, y = y_of(f, v);
        lofi_buffer_printf(svg, "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>", LEFT,
                           WIDTH - RIGHT, y, y);
        lofi_buffer_printf(svg, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.6g</text>\n", LEFT - 8, y + 4,
                           fabs(v) < t.step / 1e6 ? 0 : v);
    }
    t = find_ticks(f->first_step, f->last_step, 8, 1);
    for (int i = 0; i < t.count; i++) {
        double v = t.first + i * t.step, x = x_of(f, v);
        lofi_buffer_printf(svg, "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>", x, x, TOP,
                           HEIGHT - BOTTOM);
        lofi_buffer_printf(svg, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.6g</text>\n", x,
                           HEIGHT - BOTTOM + 20, v);
    }
    lofi_buffer_printf(svg, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">step</text>\n", (LEFT + WIDTH - RIGHT) / 2,
                       HEIGHT - 14);
    lofi_buffer_printf(svg,
                       "<text x=\"18\" y=\"%d\" text-anchor=\"middle\" transform=\"rotate(-90 18 %d)\">loss</text>\n",
                       HEIGHT / 2, HEIGHT / 2);
}

/* Mean loss of the steps around `at` (a twentieth of all steps to each side). */
static double smoothed(const lofi_metrics *metrics, size_t at) {
    size_t reach = metrics->step_count / 20, sum_count = 0;
    size_t from = at > reach ? at - reach : 0,
           to = at + reach < metrics->step_count ? at + reach : metrics->step_count - 1;
    double sum = 0;
    for (size_t i = from; i <= to; i++)
        if (isfinite(metrics->steps[i].loss)) sum += metrics->steps[i].loss, sum_count++;
    return sum_count ? sum / (double)sum_count : NAN;
}

static void draw_losses(lofi_buffer *svg, const lofi_metrics *metrics, const frame *f, bool smooth) {
    size_t stride = metrics->step_count / MAX_POINTS + 1;
    if (!metrics->step_count) return;
    lofi_buffer_printf(svg, "<polyline class=\"%s\" points=\"", smooth ? "mean" : "loss");
    for (size_t i = 0; i < metrics->step_count; i += stride) {
        double loss = smooth ? smoothed(metrics, i) : metrics->steps[i].loss;
        if (isfinite(loss))
            lofi_buffer_printf(svg, "%.1f,%.1f ", x_of(f, (double)metrics->steps[i].step), y_of(f, loss));
    }
    lofi_buffer_text(svg, "\"/>\n");
}

static void draw_validations(lofi_buffer *svg, const lofi_metrics *metrics, const frame *f) {
    for (size_t i = 0; i < metrics->validation_count; i++) {
        const lofi_validation_metrics *v = &metrics->validations[i];
        lofi_buffer_printf(svg,
                           "<circle class=\"held\" cx=\"%.1f\" cy=\"%.1f\" r=\"5\"><title>held-out loss %.5f at step "
                           "%lld</title></circle>\n",
                           x_of(f, (double)v->step), y_of(f, v->loss), v->loss, (long long)v->step);
    }
}

static void draw_legend(lofi_buffer *svg) {
    lofi_buffer_printf(
        svg,
        "<polyline class=\"loss\" points=\"%d,24 %d,24\"/><text x=\"%d\" y=\"28\">each step</text>"
        "<polyline class=\"mean\" points=\"%d,24 %d,24\"/><text x=\"%d\" y=\"28\">moving average</text>"
        "<circle class=\"held\" cx=\"%d\" cy=\"24\" r=\"5\"/><text x=\"%d\" y=\"28\">held-out tracks</text>\n",
        LEFT, LEFT + 30, LEFT + 38, LEFT + 140, LEFT + 170, LEFT + 178, LEFT + 320, LEFT + 332);
}

lofi_code lofi_metrics_picture(const lofi_metrics *metrics, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    if (!metrics->step_count && !metrics->validation_count) return LOFI_OK;
    LOFI_TRY(lofi_path_format(path, err, "%s/loss.svg", metrics->run));
    lofi_buffer svg = LOFI_BUFFER_INIT;
    frame f = find_frame(metrics);
    lofi_buffer_printf(&svg,
                       "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\">\n"
                       "<style>text{font:13px sans-serif;fill:#444}.grid{stroke:#e4e4e4}.loss{fill:none;stroke:#b9c6e4}"
                       ".mean{fill:none;stroke:#2f5bb7;stroke-width:2.5}.held{fill:#d9622b}</style>\n"
                       "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n",
                       WIDTH, HEIGHT, WIDTH, HEIGHT);
    draw_axes(&svg, &f);
    draw_losses(&svg, metrics, &f, false);
    draw_losses(&svg, metrics, &f, true);
    draw_validations(&svg, metrics, &f);
    draw_legend(&svg);
    lofi_buffer_text(&svg, "</svg>\n");
    lofi_code code = lofi_buffer_check(&svg, err);
    if (code == LOFI_OK) code = lofi_file_write(path, lofi_buffer_str(&svg), svg.size, err);
    lofi_buffer_free(&svg);
    return code;
}
