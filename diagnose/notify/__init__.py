"""Who is told of what is expected to fail and of what was found, within a noise budget.

    predictions, diagnoses -> notice.py -> budget.py: page, ticket or digest -> outbox.py
                                                    courier.py, one a channel <-+
                                                        formats.py -> channels.py

What is decided and what is to be sent is committed in one transaction; couriers send it as often as
it takes. Alertmanager is sent what is open again and again, as Prometheus does.
"""
