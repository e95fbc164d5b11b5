"""What others say about addresses: per line of standard input one digit per oracle, 1 for public.

Oracles: CPython's ipaddress, microsoft-antissrf.
"""

import ipaddress
import sys

from AntiSSRF.antissrf_policy import AntiSSRFPolicy, PolicyConfigOptions

latest = [option for option in PolicyConfigOptions if "LATEST" in option.name and "ONLY" in option.name]
policy = AntiSSRFPolicy(latest[0])


def cpython(text):
    ip = ipaddress.ip_address(text)
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return ip.is_global and not ip.is_multicast


print(f"CPython {sys.version.split()[0]} ipaddress,microsoft-antissrf")
for line in sys.stdin:
    text = line.strip()
    print(f"{int(cpython(text))}{int(policy._is_str_ip_address_connection_allowed(text))}")
