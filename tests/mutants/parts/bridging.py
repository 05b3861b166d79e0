"""Sensors by MQTT: who is let in, what ends the bridge, and what it shows."""

from tests.mutants.mutation import Mutation

SUBSCRIPTION, BRIDGE = "deploy/bridges/subscription.py", "deploy/bridges/mqtt.py"
METRICS, MQTT, CONFIG = "deploy/bridges/metrics.py", "deploy/settings/mqtt.py", "deploy/settings/config.py"
OF_SECURE, OF_BRIDGE = ("tests/deploy/bridges/test_secure_mqtt.py",), ("tests/deploy/bridges/test_mqtt.py",)
OF_METRICS, OF_SETTINGS = ("tests/deploy/bridges/test_metrics.py",), ("tests/deploy/settings/test_mqtt.py",)

MUTATIONS = (
    Mutation(
        "any certificate of an MQTT broker is trusted",
        "streams/broker/certificates.py",
        "    context.minimum_version = ",
        "    context.check_hostname = False\n    context.verify_mode = ssl.CERT_NONE\n"
        "    return context\n    context.minimum_version = ",
        OF_SECURE,
    ),
    Mutation(
        "the bridge shows no certificate of its own",
        "streams/broker/certificates.py",
        "    if said.ssl_certfile:",
        "    if False:",
        OF_SECURE,
    ),
    Mutation("a wrong password is tried for ever", SUBSCRIPTION, "reason.value in LOGIN_CODES)", "False)", OF_SECURE),
    Mutation(
        "a broker that is set up anew ends the bridge",
        SUBSCRIPTION,
        "if is_final and not self.n_connections:",
        "if is_final:",
        OF_SECURE,
    ),
    Mutation(
        "a refusal is said to be silence",
        SUBSCRIPTION,
        "elif reason.is_failure and not was_refused:",
        "elif reason.is_failure:",
        OF_SECURE,
    ),
    Mutation(
        "the bridge says at every try that the broker is away",
        SUBSCRIPTION,
        "if sentence != self._complaint:",
        "if True:",
        OF_SECURE,
    ),
    Mutation(
        "a bridge that is not connected is ready",
        BRIDGE,
        "return kafka + self._subscription.complaints()",
        "return kafka",
        OF_BRIDGE,
    ),
    Mutation("messages are not counted", "deploy/bridges/intake.py", "self.n_messages += 1", "pass", OF_BRIDGE),
    Mutation("refusals are shown as none", METRICS, "counts.get(one, 0)", "0", OF_METRICS),
    Mutation("a refusal leaves exit code 0", BRIDGE, "        if self._refusal:", "        if False:", OF_SECURE),
    Mutation("TLS goes to the plain port", MQTT, "(TLS_PORT if self.tls else PORT)", "PORT", OF_SETTINGS),
    Mutation("a certificate is passed over without TLS", MQTT, 'info.data.get("tls") is False', "False", OF_SETTINGS),
    Mutation("the MQTT password goes into a file", CONFIG, ', "mqtt": {"password"}}', "}", OF_SETTINGS),
)
