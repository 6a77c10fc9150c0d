from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("voice", "0002_rang_and_indexes"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="callsession",
            index=models.Index(
                condition=models.Q(("outcome", "no_answer")), fields=["updated_at"], name="call_not_answered"
            ),
        ),
    ]
