#include "control/settings.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/moment.h"
#include "control/units.h"

static const struct setting all[] = {
#define X(key, member, kind, initial, least, most, stretch, help)                                  \
    {                                                                                              \
        #key,                                                                                      \
        offsetof(Mec__Settings, member),                                                           \
        SETTING_##kind,                                                                            \
        initial,                                                                                   \
        least,                                                                                     \
        most,                                                                                      \
        STRETCH_##stretch,                                                                         \
        help},
    SETTINGS(X)
#undef X
};

size_t settings_count(void)
{
    return sizeof all / sizeof all[0];
}

const struct setting *settings_at(size_t index)
{
    assert(index < settings_count());
    return &all[index];
}

const struct setting *settings_find(const char *key)
{
    for (size_t i = 0; i < settings_count(); i++)
        if (strcmp(all[i].key, key) == 0)
            return &all[i];
    return NULL;
}

static int parse(const struct setting *setting, const char *text, uint64_t *ret_number)
{
    bool on;
    int error;

    switch (setting->kind) {
    case SETTING_DURATION:
    case SETTING_SECONDS:
        error = units_parse_duration(text, ret_number);
        if (error == 0 && setting->kind == SETTING_SECONDS)
            *ret_number /= SECOND_US;
        return error;
    case SETTING_COUNT:
        return units_parse_count(text, ret_number);
    case SETTING_SIZE:
    case SETTING_KIB:
        error = units_parse_size(text, ret_number);
        if (error == 0 && setting->kind == SETTING_KIB)
            *ret_number /= 1024;
        return error;
    case SETTING_SWITCH:
        error = units_parse_switch(text, &on);
        if (error == 0)
            *ret_number = on ? 1 : 0;
        return error;
    }
    return -EINVAL;
}

static bool within(const struct setting *setting, uint64_t number)
{
    uint64_t least = 0;
    uint64_t most = 1;

    if (setting->kind != SETTING_SWITCH) {
        int least_error = parse(setting, setting->least, &least);
        int most_error = parse(setting, setting->most, &most);
        assert(least_error == 0);
        assert(most_error == 0);
    }
    return number >= least && number <= most;
}

static void store(Mec__Settings *settings, const struct setting *setting, uint64_t number)
{
    char *member = (char *)settings + setting->offset;

    if (setting->kind == SETTING_DURATION || setting->kind == SETTING_SIZE) {
        memcpy(member, &number, sizeof number);
    } else if (setting->kind == SETTING_SWITCH) {
        protobuf_c_boolean on = number != 0;
        memcpy(member, &on, sizeof on);
    } else {
        uint32_t narrow = (uint32_t)number;
        memcpy(member, &narrow, sizeof narrow);
    }
}

uint64_t settings_number(const Mec__Settings *settings, const struct setting *setting)
{
    const char *member = (const char *)settings + setting->offset;
    uint64_t wide;
    uint32_t narrow;
    protobuf_c_boolean on;

    if (setting->kind == SETTING_DURATION || setting->kind == SETTING_SIZE) {
        memcpy(&wide, member, sizeof wide);
        return wide;
    }
    if (setting->kind == SETTING_SWITCH) {
        memcpy(&on, member, sizeof on);
        return on ? 1 : 0;
    }
    memcpy(&narrow, member, sizeof narrow);
    return narrow;
}

int settings_set_number(Mec__Settings *settings, const struct setting *setting, uint64_t number)
{
    if (!within(setting, number))
        return -ERANGE;
    store(settings, setting, number);
    return 0;
}

int settings_set(Mec__Settings *settings, const struct setting *setting, const char *text)
{
    uint64_t number;
    int error = parse(setting, text, &number);

    return error != 0 ? error : settings_set_number(settings, setting, number);
}

void settings_default(Mec__Settings *settings)
{
    for (size_t i = 0; i < settings_count(); i++) {
        int error = settings_set(settings, &all[i], all[i].initial);
        assert(error == 0);
    }
}

void settings_describe(const struct setting *setting, char *ret_text, size_t size)
{
    static const char *const forms[] = {
        [SETTING_DURATION] = "a duration", [SETTING_SECONDS] = "a duration",
        [SETTING_COUNT] = "a number",      [SETTING_SIZE] = "a size",
        [SETTING_KIB] = "a size",
    };

    if (setting->kind == SETTING_SWITCH)
        snprintf(ret_text, size, "true or false");
    else
        snprintf(ret_text, size, "%s such as %s, from %s to %s", forms[setting->kind],
                 setting->initial, setting->least, setting->most);
}

void settings_stretch(Mec__Settings *settings, double factor)
{
    for (size_t i = 0; i < settings_count(); i++) {
        const struct setting *setting = &all[i];
        double number = (double)settings_number(settings, setting);

        if (setting->stretch == STRETCH_TIME) {
            store(settings, setting, (uint64_t)(number * factor));
        } else if (setting->stretch == STRETCH_RATE) {
            double slower = number / factor;
            /* 0 is no limit, and stays that. */
            store(settings, setting, number >= 1 && slower < 1 ? 1 : (uint64_t)slower);
        }
    }
}
