#include "measurement.h"

#include <string.h>

double measurement_value(const struct measurement *measurement, enum metric metric)
{
    switch (metric) {
    case METRIC_WALL:
        return (double)measurement->wall_ns;
    case METRIC_CPU:
        return (double)(measurement->user_ns + measurement->system_ns);
    case METRIC_PEAK_RSS:
        return (double)measurement->peak_rss_bytes;
    case METRIC_FAULTS:
        return (double)(measurement->minor_fault_count + measurement->major_fault_count);
    case METRIC_SWITCHES:
        return (double)(measurement->voluntary_switch_count +
                        measurement->involuntary_switch_count);
    case METRIC_COUNT:
        break;
    }
    return 0;
}

bool measurement_is_good(const struct measurement *measurement, int wanted_status)
{
    return measurement->end == MEASUREMENT_EXITED && measurement->exit_status == wanted_status;
}

int measurement_append_end(const struct measurement *measurement, const struct captured *errors,
                           struct str *text)
{
    int r = 0;
    if (measurement->end == MEASUREMENT_TIMED_OUT) {
        r = str_append(text, "was not done in time");
    } else if (measurement->end == MEASUREMENT_SIGNALLED) {
        r = str_printf(text, "ended by signal %d (%s)", measurement->exit_signal,
                       strsignal(measurement->exit_signal));
    } else {
        r = str_printf(text, "ended with status %d", measurement->exit_status);
    }

    char words[CAPTURED_LINE_BYTES];
    captured_last_line(errors, words);
    return r == 0 && words[0] != '\0' ? str_printf(text, ": '%s'", words) : r;
}
